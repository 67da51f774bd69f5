package store

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestNetworkFileSystems(t *testing.T) {
	for kind, want := range map[uint32]string{0x6969: "NFS", 0xFF534D42: "SMB", 0xFE534D42: "SMB", 0x01021997: "9p", 0x65735546: "FUSE",
		0xEF53: "", 0x58465342: "", 0x9123683E: "", 0x01021994: "", 0x794C7630: "", 0x2FC12FC1: ""} { // ext4, xfs, btrfs, tmpfs, overlay, zfs
		if got := networkMagic(kind); got != want {
			t.Errorf("%#x: got %q, want %q", kind, got, want)
		}
	}
	if err := refuseNetwork(t.TempDir()); err != nil {
		t.Errorf("temporary directory: got %v, want it taken", err)
	}
	if err := refuseNetwork("/nowhere/at/all"); err == nil || !strings.Contains(err.Error(), "statfs") && !strings.Contains(err.Error(), "atabase") {
		t.Errorf("nowhere: got %v, want an error", err)
	}
	if got := mountKind("/proc/self"); got != "proc" {
		t.Errorf("/proc: got %q, want proc", got)
	}
}

// Where the machine has such a file system at hand, opening refuses it.
func TestRefusesWhatIsMounted(t *testing.T) {
	lines, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		fields := strings.Fields(line)
		var st syscall.Statfs_t
		if len(fields) < 5 || syscall.Statfs(fields[4], &st) != nil {
			continue // not ours to look at
		}
		refused := refuseNetwork(fields[4]) != nil
		if want := networkMagic(uint32(st.Type)) != "" && mountKind(fields[4]) != "fuseblk"; refused != want {
			t.Errorf("%s: got refused %v, want %v", fields[4], refused, want)
		}
	}
}
