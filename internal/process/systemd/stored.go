package systemd

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// storedFiles counts the files that the manager keeps, by name.
type storedFiles struct {
	mu     sync.Mutex
	counts map[string]int
}

// stored are those of this process and, once ListenFiles was called, of the one before.
var stored = storedFiles{counts: map[string]int{}}

func (s *storedFiles) set(name string, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name] = count
}

func (s *storedFiles) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[name]
}

// numbered is the name under which the file of a number is stored.
func numbered(name string, number int) string { return name + "/" + strconv.Itoa(number) }

// parseNumbered returns the parts of such a name. Other names have the number 0.
func parseNumbered(text string) (name string, number int) {
	if i := strings.LastIndexByte(text, '/'); i > 0 {
		if n, err := strconv.ParseUint(text[i+1:], 10, 16); err == nil {
			return text[:i], int(n)
		}
	}
	return text, 0
}

// numberedFile is a file that was passed on.
type numberedFile struct {
	number int
	file   *os.File
}

// inOrder returns files in the order of their numbers.
func inOrder(all []numberedFile) (files []*os.File) {
	slices.SortStableFunc(all, func(a, b numberedFile) int { return cmp.Compare(a.number, b.number) })
	for _, f := range all {
		files = append(files, f.file)
	}
	return files
}
