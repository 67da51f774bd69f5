//go:build !race

package lanyardtest_test

const raced = false
