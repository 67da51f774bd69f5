//go:build !unix

package main

import "runtime"

func used() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{Resident: int64(m.Sys)}
}

func resident(int) int64 { return 0 }
