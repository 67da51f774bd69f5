//go:build !unix

package pgtemp

import (
	"errors"
	"syscall"
)

func asNobody(string) (*syscall.SysProcAttr, error) {
	return nil, errors.New("a throw-away cluster needs a Unix system; set LANYARD_TEST_POSTGRES")
}
