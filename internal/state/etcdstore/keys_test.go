package etcdstore

import (
	"testing"

	"upppoe/internal/state"
)

// FuzzParseKey: a key that is parsed is that of a session's part.
func FuzzParseKey(f *testing.F) {
	f.Add(partKey("", 1, state.Counters))
	f.Add(partKey("", 1<<63, 255))
	f.Add("sessions/0000000000000001/256")
	f.Fuzz(func(t *testing.T, key string) {
		of, part, ok := parseKey("", key)
		if !ok {
			return
		}
		if o, p, ok := parseKey("/a/", partKey("/a/", of, part)); !ok || o != of || p != part {
			t.Errorf("part %d of %d is part %d of %d, %v", part, of, p, o, ok)
		}
	})
}
