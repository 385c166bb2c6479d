package pppoe

import (
	"errors"
	"testing"
)

func TestDataPathNames(t *testing.T) {
	for _, d := range []DataPath{DataPathAuto, DataPathOffload, DataPathPlain} {
		if got, err := ParseDataPath(d.String()); got != d || err != nil {
			t.Errorf("%v is read as %v: %v", d, got, err)
		}
	}
	for _, name := range []string{"", "fast", "Auto"} {
		if _, err := ParseDataPath(name); !errors.Is(err, ErrDataPath) {
			t.Errorf("%q: %v, want %v", name, err, ErrDataPath)
		}
	}
	if got := DataPath(9).String(); got != "DataPath(9)" {
		t.Errorf("a data path there is not is called %q", got)
	}
}

// TestNewPath: who asks for plain gets that, all others what can do both.
func TestNewPath(t *testing.T) {
	for d, plain := range map[DataPath]bool{DataPathAuto: false, DataPathOffload: false, DataPathPlain: true} {
		if _, is := newPath(d, []Port{&still{}}, nil, nil).(*plainPath); is != plain {
			t.Errorf("%v is plain: %v, want %v", d, is, plain)
		}
	}
}
