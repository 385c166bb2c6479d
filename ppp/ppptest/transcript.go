package ppptest

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/trace"
)

// Transcript runs the commands of a file on a link, and compares their effects with those in
// the file. With update it writes the file.
//
// A line of the file that begins with "> " is a command:
//
//	open                        all ends open
//	END open                    one end opens
//	END close REASON            it closes
//	END down                    it loses the layer below
//	END gets CODE ID OPTIONS    it receives a packet: CODE as pppd prints it or a protocol,
//	                            ID a protocol, OPTIONS in hexadecimal; "its" stands for those
//	                            of the end's own last Configure-Request
//	next DELIVERY...            what happens to the next frames: arrives, lost, twice, late
//	wait DURATION               time passes, and timers expire
//
// Lines that begin with "#", and empty ones, are comments. All others are the effects of the
// command before them.
func Transcript(t *testing.T, path string, update bool, l *Link) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(text)) {
		command, is := strings.CutPrefix(line, "> ")
		if !is && line != "\n" && line[0] != '#' {
			continue
		}
		got.WriteString(line)
		if !is {
			continue
		}
		if err := l.run(strings.Fields(command)); err != nil {
			t.Fatalf("%s: %q: %v", path, command, err)
		}
		got.WriteString(l.log.String())
		l.log.Reset()
	}
	if l.Err() != nil {
		t.Errorf("%s: %v", path, l.Err())
	}
	if update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(text) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, &got, text)
	}
}

// run executes one command.
func (l *Link) run(words []string) error {
	switch verb, rest := words[0], words[1:]; verb {
	case "open":
		l.Open()
		return nil
	case "wait":
		d, err := time.ParseDuration(strings.Join(rest, ""))
		l.Wait(d)
		return err
	case "next":
		return l.deliveries(rest)
	}
	for _, e := range l.Ends {
		if e.Name == words[0] && len(words) > 1 {
			return l.runEnd(e, words[1], words[2:])
		}
	}
	return fmt.Errorf("unknown command")
}

func (l *Link) runEnd(e *End, verb string, rest []string) error {
	switch verb {
	case "open":
		l.Do(e, func(p Protocol, q *ppp.Queue) ppp.Signal { return p.Open(l.Now, q) })
	case "close":
		l.Do(e, func(p Protocol, q *ppp.Queue) ppp.Signal { return p.Close(l.Now, strings.Join(rest, " "), q) })
	case "down":
		l.Do(e, func(p Protocol, _ *ppp.Queue) ppp.Signal { return p.Down(l.Now) })
	case "gets":
		c, err := e.packet(rest)
		if err != nil {
			return err
		}
		l.inject(e, c)
	default:
		return fmt.Errorf("unknown command %s", verb)
	}
	return nil
}

// inject delivers a packet to an end that the other end has not sent.
func (l *Link) inject(e *End, c ppp.Control) {
	var q ppp.Queue
	q.Add(l.protocol, c)
	l.print(e, "rcvd %s", trace.AppendFrame(nil, q.At(0), trace.Options{}))
	l.receive(e, c)
	l.deliver()
}

// deliveries sets what happens to the next frames; all frames after them arrive.
func (l *Link) deliveries(words []string) error {
	var deliveries []Delivery
	for _, word := range words {
		f, ok := map[string]Delivery{"arrives": Delivered, "lost": Lost, "twice": Duplicated, "late": Delayed}[word]
		if !ok {
			return fmt.Errorf("unknown delivery %s", word)
		}
		deliveries = append(deliveries, f)
	}
	l.Delivery = func(*End, []byte) (f Delivery) {
		if len(deliveries) > 0 {
			f, deliveries = deliveries[0], deliveries[1:]
		}
		return f
	}
	return nil
}

var codes = map[string]ppp.Code{
	"ConfReq": ppp.ConfigureRequest, "ConfAck": ppp.ConfigureAck, "ConfNak": ppp.ConfigureNak, "ConfRej": ppp.ConfigureReject,
	"TermReq": ppp.TerminateRequest, "TermAck": ppp.TerminateAck, "CodeRej": ppp.CodeReject, "ProtRej": ppp.ProtocolReject,
	"EchoReq": ppp.EchoRequest, "EchoRep": ppp.EchoReply, "DiscReq": ppp.DiscardRequest,
	"Ident": ppp.Identification, "TimeRem": ppp.TimeRemaining,
}

// packet parses CODE, ID and OPTIONS.
func (e *End) packet(words []string) (c ppp.Control, err error) {
	if len(words) < 2 {
		return c, fmt.Errorf("a packet needs CODE and ID")
	}
	code, known := codes[words[0]]
	if !known {
		var n uint64
		if n, err = strconv.ParseUint(words[0], 0, 8); err != nil {
			return c, err
		}
		code = ppp.Code(n)
	}
	c.Code, c.ID = code, e.request.ID
	if words[1] != "its" {
		var n uint64
		if n, err = strconv.ParseUint(words[1], 0, 8); err != nil {
			return c, err
		}
		c.ID = uint8(n)
	}
	if len(words) == 3 && words[2] == "its" {
		c.Data = e.request.Data
		return c, nil
	}
	c.Data, err = hex.DecodeString(strings.Join(words[2:], ""))
	return c, err
}
