package pppd

import "upppoe/internal/config/manpage"

// ManualDataPaths is what there is to say of the ways in which packets are moved.
var ManualDataPaths = []manpage.Block{
	manpage.Paragraph("What moves the packets of open sessions is chosen by `datapath`. The log, and the client's status, tell which way " +
		"a session's packets go, and why not a faster one."),
	manpage.Item{Term: "auto", Text: "the kernel, where it takes our programs (eBPF: Linux 6.1, CAP_BPF with CAP_NET_ADMIN), the Ethernet interface being left as it is; " +
		"else `offload`; else `plain`."},
	manpage.Item{Term: "kernel", Text: "the kernel or none. The Ethernet interface is taken to serve PPPoE alone: while the program runs, frames are received at its driver " +
		"(XDP) if that can be, it joins packets (generic-receive-offload) and is not given any to cut (tcp-segmentation-offload). Some drivers lose the line for seconds at that."},
	manpage.Item{Term: "offload", Text: "this program, which takes and gives TCP and UDP in pieces of up to 64 kB, and sends and receives frames in batches."},
	manpage.Item{Term: "plain", Text: "this program, one packet at a time."},
	manpage.Paragraph("What the kernel moves is not in the counters of the session's device: the status, the log and the scripts' variables count all. A capture on that device " +
		"(`tcpdump -i ppp0`) sees all packets: while it runs, the program moves them. Packets for which the kernel must not be used go through the program by themselves, and the log says " +
		"so: what leaves by a device to which somebody has given a queueing discipline that shapes, or filters; sessions whose rate is limited; those whose device " +
		"somebody has moved to another network namespace. Under load there may appear two devices, `pppoecutN` and `pppoecutNup`, by which the kernel cuts packets; they go with the program."),
}
