// Package top is the live view of a server's sessions, and of clients: the subcommand top of both
// programs. What is shown is made by types without a terminal, a clock or a socket; run.go connects
// them to those.
package top

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"upppoe/internal/mgmt/table"
)

// Style is how a line is shown.
type Style int

// Styles. A terminal without colours shows the alarm like other lines.
const (
	Normal Style = iota
	Bold
	Reverse
	Alarm
)

// Line is a line of the screen.
type Line struct {
	Text  string
	Style Style
}

// sample is what was read at a time.
type sample interface{ readAt() time.Time }

// view is what is shown. Its methods are called by one goroutine.
type view interface {
	// reader returns a function that reads the next sample. It is called by another goroutine, and
	// not again before it has returned.
	reader() func() (sample, error)
	// update shows a sample, which took a time to read, or the error of reading it.
	update(s sample, took time.Duration, err error)
	// handleKey handles a key, by bubbletea's names, and the text that it stands for.
	handleKey(key, text string) action
	// done handles the result of an action's function.
	done(text string, err error)
	// lines returns the screen, which has at most height lines.
	lines(width, height int) []Line
	// plain returns the text for a reader that is no terminal; a width of 0 is unlimited.
	plain(width int) string
	// pause returns the time until the next sample is to be read; negative: none is.
	pause() time.Duration
}

// action is what a key causes.
type action struct {
	quit bool
	read bool                   // at once
	do   func() (string, error) // called by another goroutine; may be nil
}

// wrap breaks texts into lines of a width.
func wrap(text string, width int) (lines []string) {
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Split(ansi.Wrap(strings.TrimRight(line, "\n"), max(1, width), " "), "\n")...)
	}
	return lines
}

// normal returns texts as lines without a style.
func normal(texts []string) (lines []Line) {
	for _, text := range texts {
		lines = append(lines, Line{Text: text})
	}
	return lines
}

// fit truncates lines to a screen's size; the last one stays the last.
func fit(lines []Line, width, height int) []Line {
	if over := len(lines) - height; over > 0 {
		lines = append(lines[:max(0, height-1):max(0, height-1)], lines[len(lines)-min(1, height):]...)
	}
	for i := range lines {
		lines[i].Text = table.Truncate(lines[i].Text, width)
	}
	return lines
}

// page scrolls lines so that they begin at an offset, and returns the offset that there is.
func page(lines []Line, offset, height int) ([]Line, int) {
	offset = max(0, min(offset, len(lines)-height))
	return lines[offset:min(len(lines), offset+max(0, height))], offset
}

// every returns the time until the next sample: the interval, or longer if reading takes more than a
// twentieth of that.
func every(interval, took time.Duration) time.Duration { return max(interval, maxShare*took) }

// maxShare is the least ratio of the time between two samples to that of reading one.
const maxShare = 20
