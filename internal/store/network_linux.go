package store

import (
	"bufio"
	"os"
	"strings"
	"syscall"

	"lanyard"
)

// networkMagic is statfs(2)'s f_type of file systems whose locks and mapped
// memory end at this machine, or come and go with a network: SQLite's WAL needs
// both (https://www.sqlite.org/wal.html, "all processes on the same host").
func networkMagic(kind uint32) string {
	switch kind {
	case 0x6969:
		return "NFS"
	case 0x517B, 0xFF534D42, 0xFE534D42:
		return "SMB"
	case 0x01021997:
		return "9p"
	case 0x65735546:
		return "FUSE"
	case 0x5346414F, 0x6B414653:
		return "AFS"
	case 0x00C36400:
		return "Ceph"
	case 0x0BD00BD0:
		return "Lustre"
	case 0x47504653:
		return "GPFS"
	case 0x73757245:
		return "Coda"
	case 0x564C:
		return "NCP"
	case 0x7461636F:
		return "OCFS2"
	case 0x01161970:
		return "GFS2"
	case 0x786F4256:
		return "VirtualBox shared folder"
	}
	return ""
}

// refuseNetwork refuses a directory on such a file system.
func refuseNetwork(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return explainFile(&os.PathError{Op: "statfs", Path: dir, Err: err})
	}
	kind := networkMagic(uint32(st.Type))
	if kind == "FUSE" && mountKind(dir) == "fuseblk" { // a local disk, such as NTFS
		kind = ""
	}
	if kind == "" {
		return nil
	}
	return lanyard.Errorf(lanyard.CodeStoreUnavailable,
		"the data directory %s is on a network or shared file system (%s), where SQLite loses data: set LANYARD_DATA_DIR to a local disk, or use PostgreSQL by LANYARD_DATABASE_URL", dir, kind)
}

// mountKind is the type of the mount that dir is on, by the longest mount point.
func mountKind(dir string) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "" // then we do not know, and refuse
	}
	defer f.Close()
	best, kind := "", ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ") // proc_pid_mountinfo(5)
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		at := fields[4]
		if (at == "/" || dir == at || strings.HasPrefix(dir, at+"/")) && len(at) >= len(best) {
			best, kind = at, strings.Fields(after)[0]
		}
	}
	return kind
}
