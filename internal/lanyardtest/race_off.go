//go:build !race

package lanyardtest

const Raced = false
