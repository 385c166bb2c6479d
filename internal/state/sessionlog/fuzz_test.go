package sessionlog

import (
	"bytes"
	"testing"

	"upppoe/internal/state"
)

// FuzzOpen: any file is read, kept or refused, and one that is read twice has the same contents.
func FuzzOpen(f *testing.F) {
	file := header{format: format, salt: 1, boot: testBoot, program: "v1"}.appendTo(nil)
	f.Add(file)
	for _, r := range []record{{kindPut, state.Session, 1, []byte("one")}, {kindPut, state.IPv6, 1, []byte("prefix")}, {kind: kindDelete, of: 2}, {kindPut, 99, 1, nil}} {
		file = r.appendTo(file, 1)
	}
	f.Add(file)
	f.Add(bytes.Replace(file, []byte("one"), []byte("two"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newFakeDisk()
		d.files["f"] = &fakeFile{disk: d, b: bytes.Clone(b)}
		cfg, _ := config("f", d)
		l, err := Open(cfg)
		if err != nil {
			if !bytes.Equal(d.files["f"].b, b) {
				t.Errorf("a file that was refused (%v) has been changed", err)
			}
			return
		}
		first := contents(l)
		l.Close()
		if !l.Found().SameBoot {
			return
		}
		l = mustOpen(t, cfg)
		defer l.Close()
		mustHave(t, l, first)
	})
}

// FuzzScan: a scan finds the records of a file whose octets before are anything.
func FuzzScan(f *testing.F) {
	f.Add([]byte("\xa5SL\x5a\x00"), []byte("value"))
	f.Add(record{kind: kindDelete}.appendTo(nil, 2), []byte{})
	f.Fuzz(func(t *testing.T, before, value []byte) {
		if len(value) > maxValue {
			return
		}
		want := record{kindPut, state.Session, 5, value}
		b := want.appendTo(bytes.Clone(before), 1)
		found := false
		s, err := scan(bytes.NewReader(b), 0, int64(len(b)), 1, func(at int64, r record) {
			found = at == int64(len(before)) && r.of == want.of && bytes.Equal(r.value, value)
		})
		if err != nil || !found || s.end != int64(len(b)) || s.cut {
			t.Errorf("%+v, %v, found %t", s, err, found)
		}
	})
}
