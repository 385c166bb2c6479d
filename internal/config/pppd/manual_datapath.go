package pppd

import "upppoe/internal/config/manpage"

// ManualDataPaths describes the data paths, for the manual page of a role.
func ManualDataPaths(r Role) []manpage.Block {
	reports, counters := "The log and the status say", "the status, the log and the scripts' variables"
	if r == Server {
		reports, counters = "The log says", "the log and the scripts' variables"
	}
	return []manpage.Block{
		manpage.Paragraph("Option `datapath` chooses what forwards the packets of open sessions. " + reports + " which data path " +
			"a session uses, and why not a faster one."),
		manpage.Item{Term: "auto", Text: "the kernel, if it accepts our eBPF programs (Linux 6.1, CAP_BPF and CAP_NET_ADMIN), without changes to the Ethernet interface; " +
			"else `offload`; else `plain`."},
		manpage.Item{Term: "kernel", Text: "the kernel, without fallback. The Ethernet interface must serve PPPoE alone: while the program runs, frames are received by XDP in its driver " +
			"if possible, generic-receive-offload is on and tcp-segmentation-offload off. With some drivers the link is down for seconds when that changes."},
		manpage.Item{Term: "offload", Text: "user space, with GSO and GRO packets of TCP and UDP of up to 64 kB, and frames sent and received in batches."},
		manpage.Item{Term: "plain", Text: "user space, one packet at a time."},
		manpage.Paragraph("The counters of the session's device do not include packets that the kernel forwards; " + counters + " include all. A capture on that device " +
			"(`tcpdump -i ppp0`) sees all packets: while it runs, the session is forwarded in user space. So are packets for which the kernel path must not be used, and the log says " +
			"so: those that leave by a device with a queueing discipline that shapes, or with filters; those of sessions whose device " +
			"was moved to another network namespace. Under load devices may appear, `pppoecutN` and `pppoecutNup`, with which the kernel segments GSO packets, and `pppoegroN` and `pppoegroNrx`, in which it coalesces received TCP packets. They are removed " +
			"when the program ends; after a kill, the latter two are removed by the next one."),
	}
}
