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
	if got := Kind(9).String(); got != "Kind(9)" {
		t.Errorf("a nonexistent data path is called %q", got)
	}
}
