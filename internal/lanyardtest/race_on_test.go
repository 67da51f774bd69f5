//go:build race

package lanyardtest_test

// raced: SQLite in Go is many times slower under the race detector.
const raced = true
