package main

import (
	"testing"
	"time"
)

// TestParseCPU: the times follow the name, which may have spaces and parentheses.
func TestParseCPU(t *testing.T) {
	const stat = "42 (a b) c) S 1 42 42 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 9 0 12345 1 2"
	if got := parseCPU([]byte(stat)); got != 1750*time.Millisecond {
		t.Errorf("%v, want 1.75 s", got)
	}
	if got := parseCPU([]byte("42 (a) S 1")); got != 0 {
		t.Errorf("a truncated line has %v", got)
	}
}
