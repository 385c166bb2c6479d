package sessionlog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/state"
)

const testBoot = "11111111-2222-3333-4444-555555555555"

// config returns that of a test, and where its log is.
func config(path string, d disk) (Config, *bytes.Buffer) {
	var lines bytes.Buffer
	return Config{Path: path, BootID: testBoot, Program: "v1", Log: slog.New(slog.NewTextHandler(&lines, nil)), disk: d}, &lines
}

func mustOpen(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// contents returns what a Loader has, in a form that can be compared.
func contents(l state.Loader) map[string]string {
	all := make(map[string]string)
	for of, r := range l.Records() {
		for part, value := range r {
			all[fmt.Sprintf("%d/%d", of, part)] = string(value)
		}
	}
	return all
}

func mustHave(t testing.TB, l state.Loader, want map[string]string) {
	t.Helper()
	if got := contents(l); !maps.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func mustFlush(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
}

// randomOp changes stores in the same way.
func randomOp(random *rand.Rand, stores ...state.Store) {
	of, part := random.Uint64N(8)+1, state.Part(random.IntN(int(state.LastPart))+1)
	value := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(40))
	if random.IntN(5) == 0 {
		value = nil
	}
	for _, s := range stores {
		if len(value) == 0 {
			s.Delete(of)
		} else {
			s.Put(of, part, value)
		}
	}
}

// TestReopened: the next program finds what has been put, as state.Memory has it.
func TestReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "sessions.log")
	cfg, lines := config(path, nil)
	var memory state.Memory
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		l := mustOpen(t, cfg)
		mustHave(t, l, contents(&memory))
		for range 200 {
			randomOp(random, l, &memory)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l.Put(1, 1, nil) // is ignored
	}
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, stat.Mode(), err)
		}
	}
	l := mustOpen(t, cfg)
	defer l.Close()
	if f := l.Found(); !f.SameBoot || f.Program != "v1" || f.Damaged != 0 || f.Sessions == 0 || f.Created.IsZero() || lines.Len() > 0 {
		t.Errorf("found %+v, log %s", f, lines)
	}
}

// TestEmptied: a file without sessions has no garbage once the program has ended.
func TestEmptied(t *testing.T) {
	cfg, _ := config("f", newFakeDisk())
	l := mustOpen(t, cfg)
	l.Put(1, 1, []byte("value"))
	mustFlush(t, l)
	l.Delete(1)
	mustFlush(t, l)
	if s := l.Stats(); s.Garbage == 0 || s.Sessions != 0 || s.Writes != 2 {
		t.Errorf("%+v", s)
	}
	created := l.Found().Created
	l.Close()
	if s := l.Stats(); s.Garbage != 0 {
		t.Errorf("%+v", s)
	}
	l = mustOpen(t, cfg)
	defer l.Close()
	if f := l.Found(); f.Largest != 1 || !f.Created.Equal(created) || f.Sessions != 0 {
		t.Errorf("%+v, want the largest generation, and the time from before: %v", f, created)
	}
}

// TestTruncated: of a file that is cut off after any octet, the records before are kept, and it can be
// continued. The log has a line if a header is cut off:
// the end of a record may be what a program that was killed was writing.
func TestTruncated(t *testing.T) {
	d := newFakeDisk()
	cfg, _ := config("f", d)
	l := mustOpen(t, cfg)
	var memory state.Memory
	random := rand.New(rand.NewPCG(3, 4))
	start := l.Stats().Bytes
	after := map[int64]map[string]string{start: {}}
	for range 40 {
		randomOp(random, l, &memory)
		mustFlush(t, l)
		after[l.Stats().Bytes] = contents(&memory)
	}
	whole := d.afterKill().files["f"].b
	want := map[string]string{}
	for n := range len(whole) + 1 {
		if s, ok := after[int64(n)]; ok {
			want = s
		}
		cut := newFakeDisk()
		cut.files["f"] = &fakeFile{disk: cut, b: whole[:n:n]}
		cfg, lines := config("f", cut)
		l := mustOpen(t, cfg)
		mustHave(t, l, want)
		said := strings.Contains(lines.String(), fmt.Sprintf("first %d octets", n))
		if f := l.Found(); f.Damaged != 0 || f.KeptAs != "" || said != (n > 0 && int64(n) < start) || !said && lines.Len() > 0 {
			t.Errorf("cut off after %d octets: %+v, log %s", n, f, lines)
		}
		l.Put(9, 1, []byte("continued"))
		l.Close()
		l = mustOpen(t, cfg)
		withNew := maps.Clone(want)
		withNew["9/1"] = "continued"
		mustHave(t, l, withNew)
		l.Close()
	}
}

// TestDamaged: what is damaged is skipped, counted and logged; all other records are kept.
func TestDamaged(t *testing.T) {
	d := newFakeDisk()
	cfg, _ := config("f", d)
	l := mustOpen(t, cfg)
	for of := range uint64(6) {
		l.Put(of+1, 1, fmt.Appendf(nil, "value %d", of+1))
	}
	l.Close()
	whole, start, size := d.files["f"].b, int(l.start), recordHeader+len("value 1")
	for n := start; n < len(whole); n++ {
		b := bytes.Clone(whole)
		b[n] ^= 0x40
		cut := newFakeDisk()
		cut.files["f"] = &fakeFile{disk: cut, b: b}
		cfg, lines := config("f", cut)
		l := mustOpen(t, cfg)
		want := map[string]string{}
		for of := range 6 {
			if of != (n-start)/size {
				want[fmt.Sprintf("%d/1", of+1)] = fmt.Sprintf("value %d", of+1)
			}
		}
		mustHave(t, l, want)
		last := (n-start)/size == 5 // whose length may say that it is cut off
		if f := l.Found(); f.Damaged != 1 && !last || !last && !strings.Contains(lines.String(), "1 pieces are damaged") {
			t.Errorf("octet %d: %+v, log %s", n, f, lines)
		}
		l.Close()
	}
}

// TestForged: a value that looks like a record is not taken for one, even after damage.
func TestForged(t *testing.T) {
	d := newFakeDisk()
	cfg, _ := config("f", d)
	l := mustOpen(t, cfg)
	forged := record{kindPut, 1, 7, []byte("forged")}.appendTo([]byte("name"), 0)
	l.Put(1, 1, forged)
	l.Close()
	d.files["f"].b[l.start+20]++
	l = mustOpen(t, cfg)
	defer l.Close()
	mustHave(t, l, nil)
}

// TestUnreadableFiles: a file that this program cannot read is kept under another name; one that is not of
// sessions is left as it is.
func TestUnreadableFiles(t *testing.T) {
	newer := header{format: 9, boot: testBoot, program: "v7"}.appendTo(nil)
	damaged := header{format: format, boot: testBoot}.appendTo(nil)
	damaged[20]++
	for name, c := range map[string]struct {
		b        []byte
		kept, in string
	}{
		"newer":      {newer, "f.format-9", "upppoe v7 made it, in format 9, and this is upppoe v1, which reads formats up to 1"},
		"damaged":    {damaged, "f.damaged", "its header is damaged"},
		"cut off":    {append(newer[:fixedHeader:fixedHeader], make([]byte, 10*longestOwn)...), "f.damaged", "its header is damaged"},
		"zeros":      {make([]byte, 5000), "f.damaged", "it is not a file of sessions"},
		"kept twice": {damaged, "f.damaged-2", "its header is damaged"},
	} {
		d := newFakeDisk()
		d.files["f"] = &fakeFile{disk: d, b: bytes.Clone(c.b)}
		if name == "kept twice" {
			d.files["f.damaged"] = &fakeFile{disk: d, b: []byte("of before")}
		}
		cfg, lines := config("f", d)
		l := mustOpen(t, cfg)
		if f := l.Found(); f.KeptAs != c.kept || !bytes.Equal(d.files[c.kept].b, c.b) || !strings.Contains(lines.String(), c.in) || !strings.Contains(lines.String(), c.kept) {
			t.Errorf("%s: %+v, log %s", name, f, lines)
		}
		l.Put(1, 1, []byte("new"))
		mustFlush(t, l)
		mustHave(t, l, map[string]string{"1/1": "new"})
		l.Close()
	}
	d := newFakeDisk()
	d.files["f"] = &fakeFile{disk: d, b: []byte("root:x:0:0")}
	cfg, _ := config("f", d)
	if _, err := Open(cfg); !errors.Is(err, ErrFile) || string(d.files["f"].b) != "root:x:0:0" {
		t.Errorf("of another program's file: %v", err)
	}
}

// TestCheck: a file is refused without being opened as Open does.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]error{"": nil, "upppoe": nil, "root:x:0:0": ErrFile, "\x00\x00\x00\x00\x00\x00\x00\x00\x00": nil} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Check(path); !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Check(filepath.Join(dir, "none")); err != nil {
		t.Errorf("of no file: %v", err)
	}
	if err := Check(dir); err == nil {
		t.Error("a directory is a store")
	}
}

// TestLocked: a second program gets an error that names the first.
func TestLocked(t *testing.T) {
	cfg, _ := config(filepath.Join(t.TempDir(), "f"), nil)
	l := mustOpen(t, cfg)
	_, err := Open(cfg)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), cfg.Path) {
		t.Errorf("%v", err)
	}
	l.Close()
	mustOpen(t, cfg).Close()
}

// TestOtherBoot: the records of another boot are read, and gone after Reset.
func TestOtherBoot(t *testing.T) {
	d := newFakeDisk()
	cfg, _ := config("f", d)
	l := mustOpen(t, cfg)
	l.Put(1, 1, []byte("before"))
	l.Close()
	cfg.BootID = "another"
	for range 2 { // the first is killed before Reset
		l = mustOpen(t, cfg)
		if l.Found().SameBoot {
			t.Error("it is taken for one of this boot")
		}
		mustHave(t, l, map[string]string{"1/1": "before"})
		l.Close()
	}
	l = mustOpen(t, cfg)
	if err := l.Reset(); err != nil {
		t.Fatal(err)
	}
	mustHave(t, l, nil)
	l.Put(2, 1, []byte("after"))
	l.Close()
	l = mustOpen(t, cfg)
	defer l.Close()
	mustHave(t, l, map[string]string{"2/1": "after"})
	if !l.Found().SameBoot {
		t.Error("it is not one of this boot")
	}
}
