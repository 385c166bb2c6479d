package serverconfig

import (
	"strings"

	"upppoe/internal/config/pppd"
)

var captureSection = single[pppd.Capture]{
	name: "capture", help: "A capture of frames in pcapng format, with the log as comments. PAP passwords are masked, unless log.show-passwords is set; CHAP responses allow guessing of weak passwords.",
	of: func(c *Config) *pppd.Capture { return &c.Options.Capture },
	keys: []key[pppd.Capture]{
		{"file", "--pcap pcap", "Capture frames of discovery and PPP control to this file; \"-\": standard output. Default: none.",
			fixed(at(str("PATH", "an absolute path like \"/var/tmp/bng1.pcapng\", or \"-\"", capturePath), func(c *pppd.Capture) *string { return &c.File }))},
		{"data", "--pcap-data pcap-data", "Capture data packets too, except those that the kernel forwards.",
			fixed(at(boolean, func(c *pppd.Capture) *bool { return &c.Data }))},
		{"size", "--pcap-size pcap-size", "Rotate the file from this size on, in megabytes.",
			fixed(at(number(1, 1<<20, "64"), func(c *pppd.Capture) *int { return &c.Megabytes }))},
		{"files", "--pcap-files pcap-files", "Number of files to keep: FILE, FILE.1 and so on.",
			fixed(at(number(1, 1000, "4"), func(c *pppd.Capture) *int { return &c.Files }))},
	},
}

func capturePath(s string) error {
	if s != "-" && (!strings.HasPrefix(s, "/") || strings.ContainsRune(s, 0)) {
		return errInvalid
	}
	return nil
}
