//go:build race

package lanyardtest

// Raced: SQLite in Go is many times slower under the race detector.
const Raced = true
