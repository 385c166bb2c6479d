package dhcp6

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadDUID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "duid")
	first, err := LoadDUID(path, strings.NewReader(strings.Repeat("\xff", 16)))
	if err != nil {
		t.Fatal(err)
	}
	if want := "00:04:ff:ff:ff:ff:ff:ff:4f:ff:bf:ff:ff:ff:ff:ff:ff:ff"; first.String() != want {
		t.Errorf("made %v, want %s", first, want)
	}
	again, err := LoadDUID(path, nil)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("read %v, %v; wrote %v", again, err, first)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestParseDUID(t *testing.T) {
	for text, want := range map[string]string{
		"00:03:00:01:02:00:5e:00:53:01\n": "00:03:00:01:02:00:5e:00:53:01",
		"00030001AABB":                    "00:03:00:01:aa:bb",
	} {
		if d, err := ParseDUID(text); err != nil || d.String() != want {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "00:01", "xx:yy:zz", strings.Repeat("00", 131)} {
		if d, err := ParseDUID(text); !errors.Is(err, ErrDUID) {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
}

// TestBadDUIDFile: the error names the file, which is left unchanged.
func TestBadDUIDFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "duid")
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDUID(path, nil); !errors.Is(err, ErrDUID) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if _, err := LoadDUID(filepath.Join(path, "below"), nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if _, err := LoadDUID(filepath.Join(t.TempDir(), "duid"), strings.NewReader("short")); err == nil {
		t.Error("made with too few random octets")
	}
}

func FuzzParseDUID(f *testing.F) {
	f.Add("00:03:00:01:02:00:5e:00:53:01")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDUID(text)
		if err != nil {
			return
		}
		if again, err := ParseDUID(d.String()); err != nil || !bytes.Equal(again, d) || len(d) < minDUID || len(d) > maxDUID {
			t.Errorf("%v is %v, %v", d, again, err)
		}
	})
}
