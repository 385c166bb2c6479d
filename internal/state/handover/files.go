package handover

import (
	"errors"
	"iter"
	"maps"
	"os"
	"slices"

	"upppoe/internal/process/passfd"
)

// Files are open files by name. A name may have several, whose order is kept. The zero value is empty. It must
// not be used concurrently.
type Files struct {
	by map[string][]*os.File
}

// Add adds files under a name. They belong to f from then on.
func (f *Files) Add(name string, files ...*os.File) {
	if len(files) == 0 {
		return
	}
	if f.by == nil {
		f.by = make(map[string][]*os.File)
	}
	f.by[name] = append(f.by[name], files...)
}

// Take removes the files of a name, and returns them; nil: there are none. They belong to the caller.
func (f *Files) Take(name string) []*os.File {
	if f == nil {
		return nil
	}
	files := f.by[name]
	delete(f.by, name)
	return files
}

// Get returns the files of a name, which stay in f.
func (f *Files) Get(name string) []*os.File { return f.by[name] }

// Len returns the number of files.
func (f *Files) Len() (n int) {
	if f != nil {
		for _, files := range f.by {
			n += len(files)
		}
	}
	return n
}

// Names returns the names, sorted.
func (f *Files) Names() []string {
	if f == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.by))
}

// All returns all files with their names, sorted by name.
func (f *Files) All() iter.Seq2[string, *os.File] {
	return func(yield func(string, *os.File) bool) {
		for _, name := range f.Names() {
			for _, file := range f.by[name] {
				if !yield(name, file) {
					return
				}
			}
		}
	}
}

// Move adds the files of another to f, and leaves it empty.
func (f *Files) Move(from *Files) {
	for _, name := range from.Names() {
		f.Add(name, from.Take(name)...)
	}
}

// Clone returns copies of the files: other descriptors of the same sockets and devices.
func (f *Files) Clone() (*Files, error) {
	all := &Files{}
	for name, file := range f.All() {
		c, err := passfd.Duplicate(file, file.Name())
		if err != nil {
			all.Close()
			return nil, err
		}
		all.Add(name, c)
	}
	return all, nil
}

// Close closes the files that nobody has taken.
func (f *Files) Close() error {
	if f == nil {
		return nil
	}
	var all error
	for _, file := range f.All() {
		all = errors.Join(all, file.Close())
	}
	f.by = nil
	return all
}
