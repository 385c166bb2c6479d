// Package terminal shows a log on a terminal, with the time of each line, and below it one line of progress.
package terminal

import (
	"fmt"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/linequeue"
)

// TimeLayout is the layout of the time before each line.
const TimeLayout = "15:04:05.000 "

// Is reports whether a file is a terminal.
func Is(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// CanMove reports whether a file is a terminal that understands the control sequences of a Screen.
func CanMove(f *os.File) bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb" && Is(f)
}

// Screen is a terminal with lines of a log and one line of progress. Its methods may be called concurrently and
// do not block, except Flush: a terminal that is stopped misses lines. Texts must be escaped.
type Screen struct {
	file  *os.File
	queue *linequeue.Queue

	mu       sync.Mutex
	progress string // as it is shown; empty: none
}

// NewScreen returns a screen of a terminal.
func NewScreen(f *os.File) *Screen {
	s := &Screen{file: f}
	s.queue = linequeue.New(func(l linequeue.Line) error {
		_, err := f.Write(l.Text)
		return err
	}, func(dropped int) linequeue.Line {
		return linequeue.Line{Text: fmt.Appendf(nil, "\r%s%d lines were not shown: the terminal was stopped\n", clear, dropped)}
	})
	return s
}

// clear erases from the cursor to the end of the line (ECMA-48, EL).
const clear = "\x1b[K"

// Log shows a line, which ends with a newline, above the progress.
func (s *Screen) Log(at time.Time, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append([]byte(nil), s.erase()...)
	text = append(at.AppendFormat(text, TimeLayout), line...)
	s.queue.Put(linequeue.Line{Text: append(text, s.progress...)})
}

// erase returns what removes the line of progress from the terminal.
func (s *Screen) erase() string {
	if s.progress == "" {
		return ""
	}
	return "\r" + clear
}

// SetProgress shows another line of progress, cut to the width of the terminal; empty: none.
func (s *Screen) SetProgress(text string) {
	text = cut(text, s.width()-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.progress {
		return
	}
	s.queue.Put(linequeue.Line{Text: []byte(s.erase() + text)})
	s.progress = text
}

// Finish replaces the progress by a line that stays. It may be wider than the terminal.
func (s *Screen) Finish(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.Put(linequeue.Line{Text: []byte(s.erase() + text + "\n")})
	s.progress = ""
}

// Flush waits until everything is shown, up to a timeout.
func (s *Screen) Flush(timeout time.Duration) { s.queue.Flush(timeout) }

// usualWidth is the width of a terminal that does not say it, in columns.
const usualWidth = 80

// width returns the width of the terminal.
func (s *Screen) width() int {
	size, err := unix.IoctlGetWinsize(int(s.file.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col < 2 {
		return usualWidth
	}
	return int(size.Col)
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(most, 0)])
}
