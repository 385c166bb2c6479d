package sessionlog

import (
	"bytes"
	"errors"
	"io"
)

// window is how much of a file is read at a time, at least.
const window = 256 << 10

// scanned is what a scan has found apart from records.
type scanned struct {
	end     int64 // where the last record ends
	damaged int   // pieces that are no records, between records or at the end
	cut     bool  // the end is the beginning of a record
}

// scan calls a function for each record of a part of a file, with its place. A record is valid during
// the call. What is damaged is skipped. The error is the file's.
func scan(file io.ReaderAt, from, to int64, salt uint32, each func(at int64, r record)) (scanned, error) {
	found := scanned{end: from}
	w := &reader{file: file, at: from, to: to}
	damaged := false
	for {
		r, v := parseRecord(w.b, salt)
		if v != isRecord && !w.complete() { // what follows may make it one
			if err := w.more(); err != nil {
				return found, err
			}
			continue
		}
		switch {
		case v == isRecord:
			each(w.at, r)
			w.skip(r.size())
			found.end, damaged = w.at, false
			continue
		case len(w.b) == 0:
			return found, nil
		case v == isCut && !damaged && !w.hasRecord(salt):
			found.cut = true
			return found, nil
		case !damaged:
			damaged = true
			found.damaged++
		}
		w.skip(nextMarker(w.b))
	}
}

// nextMarker returns where the next record may begin, after the first octet.
func nextMarker(b []byte) int {
	if n := bytes.Index(b[1:], []byte(marker)); n >= 0 {
		return 1 + n
	}
	return max(1, len(b)-len(marker)+1)
}

// reader is a window of a file.
type reader struct {
	file   io.ReaderAt
	at, to int64  // where b begins, and where the file ends
	b      []byte // what has been read
	buffer []byte
}

// complete reports whether the window has as much as the longest record, or all that there is.
func (w *reader) complete() bool { return len(w.b) >= maxRecord || w.at+int64(len(w.b)) >= w.to }

// more reads another piece.
func (w *reader) more() error {
	n := min(w.to-w.at-int64(len(w.b)), window)
	if need := len(w.b) + int(n); cap(w.buffer) < need {
		w.buffer = make([]byte, max(need, int(min(2*window, w.to-w.at))))
	}
	have := copy(w.buffer, w.b)
	got, err := w.file.ReadAt(w.buffer[have:have+int(n)], w.at+int64(have))
	if errors.Is(err, io.EOF) {
		w.to, err = w.at+int64(have+got), nil // it has become shorter
	}
	w.b = w.buffer[:have+got]
	return err
}

func (w *reader) skip(n int) { w.at, w.b = w.at+int64(n), w.b[n:] }

// hasRecord reports whether there is a record after the first octet of a complete window, at the end of
// the file.
func (w *reader) hasRecord(salt uint32) bool {
	for b := w.b; len(b) > 1; {
		b = b[nextMarker(b):]
		if _, v := parseRecord(b, salt); v == isRecord {
			return true
		}
	}
	return false
}
