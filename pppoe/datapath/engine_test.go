package datapath

import "testing"

// TestNewPath: only KindPlain is the plain path.
func TestNewPath(t *testing.T) {
	for d, plain := range map[Kind]bool{KindAuto: false, KindGSO: false, KindPlain: true} {
		if _, is := New(d, []Port{&sink{}}, nil, nil).(*plainPath); is != plain {
			t.Errorf("%v is plain: %v, want %v", d, is, plain)
		}
	}
}
