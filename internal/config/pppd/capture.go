package pppd

import (
	"upppoe/internal/capture"
	"upppoe/internal/capture/pcapngwriter"
	"upppoe/internal/version"
)

// Capture are the options of the capture of frames.
type Capture struct {
	File      string // empty: there is none
	Data      bool
	Megabytes int // from which on the file is rotated
	Files     int // that are kept
}

// Open opens the capture of a program on an interface; nil: there is none. report gets the error that ends it.
func (c Capture) Open(program, iface string, showPasswords bool, report func(error)) (*capture.Capture, error) {
	if c.File == "" {
		return nil, nil
	}
	return capture.Open(capture.Config{
		Config: pcapngwriter.Config{
			Path: c.File, MaxSize: int64(c.Megabytes) << 20, Files: c.Files, Interface: iface, Program: version.Line(program),
		},
		Data: c.Data, ShowPasswords: showPasswords, Report: report,
	})
}
