package systemd

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestIsJournal: only the stream that JOURNAL_STREAM names is the journal.
func TestIsJournal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var s unix.Stat_t
	if err := unix.Fstat(int(w.Fd()), &s); err != nil {
		t.Fatal(err)
	}
	is := fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	for stream, want := range map[string]bool{"": false, is: true, is + "0": false, "x": false} {
		t.Setenv("JOURNAL_STREAM", stream)
		if IsJournal(w) != want {
			t.Errorf("%q: %v", stream, !want)
		}
	}
	w.Close()
	if IsJournal(w) {
		t.Error("a closed file is the journal")
	}
}
