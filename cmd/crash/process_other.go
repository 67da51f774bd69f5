//go:build !linux

package main

import (
	"errors"
	"net"
	"os/exec"
)

var errLinux = errors.New("this scenario needs Linux")

func bound(*exec.Cmd) {}

func (n *node) signalStop() error          { return errLinux }
func (n *node) signalGo() error            { return errLinux }
func smallDisk(string, int64) error        { return errLinux }
func dropDisk(string) error                { return errLinux }
func freeBytes(string) (int64, error)      { return 0, errLinux }
func unacknowledged(net.Conn) (int, error) { return 0, nil }
