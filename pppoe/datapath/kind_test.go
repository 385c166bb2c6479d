package datapath

import (
	"errors"
	"testing"
)

func TestKindNames(t *testing.T) {
	for _, d := range []Kind{KindAuto, KindGSO, KindPlain} {
		if got, err := ParseKind(d.String()); got != d || err != nil {
			t.Errorf("%v is read as %v: %v", d, got, err)
		}
	}
	for _, name := range []string{"", "fast", "Auto"} {
		if _, err := ParseKind(name); !errors.Is(err, ErrKind) {
			t.Errorf("%q: %v, want %v", name, err, ErrKind)
		}
	}
	if got := Kind(9).String(); got != "DataPath(9)" {
		t.Errorf("a nonexistent data path is called %q", got)
	}
}

// TestNewPath: only KindPlain is the plain path.
func TestNewPath(t *testing.T) {
	for d, plain := range map[Kind]bool{KindAuto: false, KindGSO: false, KindPlain: true} {
		if _, is := New(d, []Port{&sink{}}, nil, nil).(*plainPath); is != plain {
			t.Errorf("%v is plain: %v, want %v", d, is, plain)
		}
	}
}
