// Package pcapngwriter writes Ethernet frames with comments to capture files in the format pcapng
// (draft-ietf-opsawg-pcapng), which are rotated by size. Each file is complete in itself.
package pcapngwriter

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Direction is which way a frame went.
type Direction uint8

// Directions.
const (
	Unknown Direction = iota
	Received
	Sent
)

// Packet is a frame with its comments.
type Packet struct {
	Time      time.Time
	Interface string
	Direction Direction
	Data      []byte   // from the destination address on, without frame check sequence; empty: comments alone
	Comments  []string // each at most 4096 octets long; the rest is cut off
	Dropped   uint64   // frames that were lost since the packet before it
}

// Config configures a File. Defaults apply to zero values.
type Config struct {
	// Path is the file that is written; "-": standard output. What is there is a file of an earlier run, which
	// is rotated, unless it is a FIFO or a device.
	Path string
	// MaxSize is the size from which on a file is rotated, in octets; default 64 MiB.
	MaxSize int64
	// Files is how many files are kept, including the one that is written: Path, Path.1 and so on, the
	// oldest last; default 4.
	Files int
	// Interface is the first interface; others are added with their first packet.
	Interface string
	// Program is the name and version of the program that captures, Comment is about the whole file.
	Program, Comment string
}

// Defaults of Config.
const (
	DefaultMaxSize = 64 << 20
	DefaultFiles   = 4
)

// maxComment bounds a comment, in octets: the format has 16 bits for its length.
const maxComment = 4096

// File is an open capture. It must not be used concurrently.
type File struct {
	cfg        Config
	file       *os.File
	rotates    bool
	writer     *pcapgo.NgWriter
	interfaces []string // by their numbers in the file
	size       int64    // of the file, about
}

// Open creates the file, readable by its user only.
func Open(cfg Config) (*File, error) {
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	if cfg.Files <= 0 {
		cfg.Files = DefaultFiles
	}
	if cfg.Path != "-" && cfg.Path != "" {
		path, err := filepath.Abs(cfg.Path) // a program in the background changes its directory
		if err != nil {
			return nil, describeError(cfg.Path, err)
		}
		cfg.Path = path
	}
	f := &File{cfg: cfg, interfaces: []string{cfg.Interface}}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// Write writes a packet, to a new file if this one is full. Data that is not yet on disk follows with Flush.
func (f *File) Write(p Packet) error {
	if f.rotates && f.size >= f.cfg.MaxSize {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	number, err := f.interfaceNumber(p.Interface)
	if err != nil {
		return err
	}
	comments := cleanComments(p.Comments)
	f.size += packetSize(p.Data, comments)
	info := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(p.Data), Length: len(p.Data), InterfaceIndex: number}
	options := pcapgo.NgPacketOptions{Comments: comments, Flags: flagsOf(p.Direction)}
	if p.Dropped > 0 {
		options.DropCount = &p.Dropped
	}
	return f.writer.WritePacketWithOptions(info, p.Data, options)
}

// interfaceNumber returns the number of an interface in the file, to which it is added if necessary.
func (f *File) interfaceNumber(name string) (int, error) {
	if i := slices.Index(f.interfaces, name); i >= 0 {
		return i, nil
	}
	f.interfaces = append(f.interfaces, name)
	return f.writer.AddInterface(describe(name))
}

// describe returns an interface's description in the file.
func describe(name string) pcapgo.NgInterface {
	return pcapgo.NgInterface{Name: name, OS: runtime.GOOS, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
}

// flagsOf returns the option for a direction; nil: none.
func flagsOf(d Direction) *pcapgo.NgEpbFlags {
	switch d {
	case Received:
		return &pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionInbound}
	case Sent:
		return &pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionOutbound}
	}
	return nil
}

// cleanComments returns comments that the format allows: UTF-8, and not too long.
func cleanComments(comments []string) (all []string) {
	for _, c := range comments {
		all = append(all, strings.ToValidUTF8(c[:min(len(c), maxComment)], "?"))
	}
	return all
}

// packetSize returns how long a packet is in the file, about.
func packetSize(data []byte, comments []string) int64 {
	n := 48 + len(data)
	for _, c := range comments {
		n += 8 + len(c)
	}
	return int64(n)
}

// Flush writes what is buffered to the file.
func (f *File) Flush() error { return f.writer.Flush() }

// Close flushes and closes the file.
func (f *File) Close() error {
	err := f.writer.Flush()
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	return err
}

// begin writes the beginning of a file. The interfaces have the numbers that they had in the file before.
func (f *File) begin() (err error) {
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
		Hardware: runtime.GOARCH, OS: runtime.GOOS, Application: f.cfg.Program, Comment: f.cfg.Comment,
	}}
	f.size = 0
	f.writer, err = pcapgo.NewNgWriterInterface(f.file, describe(f.interfaces[0]), options)
	for _, name := range f.interfaces[1:] {
		if err == nil {
			_, err = f.writer.AddInterface(describe(name))
		}
	}
	if err != nil {
		return err
	}
	return f.writer.Flush()
}
