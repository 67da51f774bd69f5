package main

import "time"

// usage is what a process has used since it began.
type usage struct {
	CPU      time.Duration
	Resident int64 // bytes in memory now; as much as the system tells
}
