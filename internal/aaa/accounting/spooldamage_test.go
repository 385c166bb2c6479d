package accounting

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/pppoe"
)

// filledSpool makes a spool with records, and returns its octets.
func filledSpool(t *testing.T, path string, n int) []byte {
	t.Helper()
	s, err := openSpool(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var all []record
	for i := range n {
		all = append(all, record{kind: kindStop, session: id(uint64(i)), at: time.Unix(1, 0), attributes: []byte{1, 7, 'a', 'l', 'i', 'c', 'e'}})
	}
	if err := errors.Join(s.add(all), s.close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// use opens a spool and uses it; what is damaged is an error.
func use(path string) error {
	s, err := openSpool(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	records, err := s.first(0, 1000)
	if err != nil {
		return err
	}
	if len(records) > 0 {
		if err := s.remove([]uint64{records[0].stored}); err != nil {
			return err
		}
	}
	if err := s.add([]record{{kind: kindStop, session: id(1), at: time.Unix(1, 0)}}); err != nil {
		return err
	}
	return s.close()
}

// TestCutOffSpool: a spool whose end is missing, or whose octets are wrong, is no panic.
func TestCutOffSpool(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	whole := filledSpool(t, path, 500)
	for n := 0; n <= len(whole); n += 4093 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := use(path); err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("cut off after %d octets: %v", n, err)
		}
	}
	for n := 0; n < len(whole); n += 2039 {
		damaged := append([]byte(nil), whole...)
		for i := n; i < min(n+4, len(damaged)); i++ {
			damaged[i] ^= 0xff
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := use(path); err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("octet %d is wrong: %v", n, err)
		}
	}
}

// TestSpoolIsCutOffInUse: when another program cuts the spool off, what follows is kept in memory, and
// sent.
func TestSpoolIsCutOffInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spool")
		c := &fakeClient{away: true}
		a := start(t, c, Config{Spool: path, Retry: time.Second})
		for g := range uint64(500) {
			end(a, open(a, g+1, pppoe.SessionPolicy{}))
		}
		time.Sleep(10 * time.Second)
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		last := open(a, 1000, pppoe.SessionPolicy{})
		time.Sleep(10 * time.Second)
		c.set(false)
		end(a, last)
		a.Close(time.Hour)
		if s := a.Stats(); s.SpoolErrors == 0 || s.DroppedStop == 0 || !s.idle() {
			t.Errorf("%+v", s)
		}
		got := c.received()
		if n := len(got); n < 3 || got[n-3] != id(1000)+" Start" || got[n-2] != id(1000)+" Stop" {
			t.Errorf("%q", got)
		}
	})
}

// TestSpoolIsNoFile: what is not a file is neither used nor renamed.
func TestSpoolIsNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Client: &fakeClient{}, NAS: &radius.NAS{}, Spool: dir}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
