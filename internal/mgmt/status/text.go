package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteTo writes the status as text.
func (s Status) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	name := s.Call
	if name == "" {
		name = s.Attachment
	}
	fmt.Fprintf(&b, "%s: %s", name, s.State)
	if s.WaitingFor != "" {
		fmt.Fprintf(&b, " for %s", s.WaitingFor)
	}
	fmt.Fprintf(&b, " since %s (process %d)\n", s.Since.Format(time.DateTime), s.PID)
	s.writeAttachment(&b)
	if s.IPv4 != nil {
		fmt.Fprintf(&b, "  IPv4      %s, peer %s\n", s.IPv4.Local, s.IPv4.Remote)
		writeList(&b, "DNS", s.IPv4.DNS)
	}
	if s.IPv6 != nil {
		fmt.Fprintf(&b, "  IPv6      %s, peer %s\n", s.IPv6.Local, s.IPv6.Remote)
		writeList(&b, "addresses", s.IPv6.Addresses)
		writeList(&b, "delegated", s.IPv6.Delegated)
		writeList(&b, "DNS", s.IPv6.DNS)
		writeServices(&b, &s.IPv6.Services)
	}
	if t := s.Traffic; t != nil {
		fmt.Fprintf(&b, "  traffic   sent %d packets, %d octets; received %d, %d\n", t.SentPackets, t.SentBytes, t.ReceivedPackets, t.ReceivedBytes)
	}
	if text := s.EchoText(); text != "" {
		fmt.Fprintf(&b, "  echoes    %s\n", text)
	}
	if s.LastEnd != nil {
		fmt.Fprintf(&b, "  last end  %s: %s\n", s.LastEnd.Reason, s.LastEnd.Text)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// EchoText says what LCP echoes have measured; empty: nothing.
func (s *Status) EchoText() string {
	var parts []string
	if s.RoundTrip > 0 {
		parts = append(parts, fmt.Sprintf("RTT %.1f ms", s.RoundTrip))
	}
	if e := s.Echoes; e != nil {
		parts = append(parts, fmt.Sprintf("%d of %d lost", e.Lost, e.Sent))
	}
	return strings.Join(parts, ", ")
}

func writeList(b *strings.Builder, what string, list []string) {
	if len(list) > 0 {
		fmt.Fprintf(b, "  %-9s %s\n", what, strings.Join(list, ", "))
	}
}

func (s Status) writeAttachment(b *strings.Builder) {
	fmt.Fprintf(b, "  interface %s", s.Attachment)
	if s.Carrier != "" {
		fmt.Fprintf(b, " (%s)", s.Carrier)
	}
	b.WriteByte('\n')
	if s.SessionID != 0 {
		fmt.Fprintf(b, "  session   %d at %s (%s)\n", s.SessionID, s.AC, s.ACName)
	}
	if s.Device != "" {
		fmt.Fprintf(b, "  device    %s", s.Device)
		if s.MTU > 0 {
			fmt.Fprintf(b, ", MTU %d", s.MTU)
		}
		b.WriteByte('\n')
	}
	if s.DataPath != "" {
		fmt.Fprintf(b, "  packets   %s\n", s.DataPath)
	}
}

func writeServices(b *strings.Builder, s *Services) {
	one := func(text string) []string {
		return slices.DeleteFunc([]string{text}, func(t string) bool { return t == "" })
	}
	writeList(b, "AFTR", one(s.AFTR))
	writeList(b, "NTP", s.NTP)
	writeList(b, "SNTP", s.SNTP)
	writeList(b, "MAP-E", s.MAPE)
	writeList(b, "MAP-T", s.MAPT)
	writeList(b, "LW4o6", s.LW4o6)
	writeList(b, "4rd", one(s.FourRD))
}
