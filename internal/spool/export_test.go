package spool

// SyncData is what segments are synced with, for the benchmark beside it.
var SyncData = syncData

// FreeBytes is how much of a disk is free.
var FreeBytes = freeBytes
