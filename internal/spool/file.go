package spool

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile makes a file, for this user only, that is there as a whole when it returns
// and after any crash, or not at all. Until it is whole it has the name path + ".new",
// and what is left of that name means nothing.
func WriteFile(path string, b []byte) error {
	f, err := os.OpenFile(path+newExt, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync() // its length too
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+newExt, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+newExt))
	}
	return syncDir(filepath.Dir(path))
}
