package pppd

const noSerial = "for serial lines, modems, compression and other protocols"

// serialOptions have no meaning over Ethernet (RFC 2516 section 7 forbids some of them). They are
// accepted and ignored, so that existing files need not be changed.
var serialOptions = []option{
	{name: "noaccomp", also: "-ac nopcomp -pc default-asyncmap -am receive-all -all " +
		"novj -vj novjccomp -vjccomp", status: ignored, help: noSerial},
	{name: "noccp", also: "-ccp nobsdcomp -bsdcomp nodeflate -deflate nodeflatedraft predictor1 nopredictor1 -predictor1 " +
		"nomppe -mppe nomppe-40 -mppe-40 nomppe-128 -mppe-128 mppe-stateful nomppe-stateful noecp -ecp", status: ignored, help: noSerial},
	{name: "lock", also: "nolock modem local crtscts nocrtscts -crtscts cdtrcts nocdtrcts xonxoff sync",
		status: ignored, help: noSerial},
	{name: "nomultilink", also: "nomp mpshortseq nompshortseq noendpoint master_detach", status: ignored, help: noSerial},
	{name: "noipx", also: "-ipx ipx +ipx ipxcp-accept-local ipxcp-accept-network ipxcp-accept-remote",
		status: ignored, help: noSerial},
	{name: "asyncmap", also: "-as escape vj-max-slots bsdcomp deflate mrru bundle endpoint datarate stop-bits callback kdebug",
		status: ignored, help: noSerial, kind: ignoredValue("VALUE")},
	{name: "ipx-network", also: "ipx-node ipx-router-name ipx-routing ipxcp-restart ipxcp-max-configure ipxcp-max-failure ipxcp-max-terminate",
		status: ignored, help: noSerial, kind: ignoredValue("VALUE")},
	{name: "connect", also: "disconnect init welcome record", status: ignored, help: noSerial, kind: ignoredValue("SCRIPT")},
	{name: "socket", status: refused, help: "sessions run over Ethernet only", kind: ignoredValue("HOST:PORT")},
	{name: "notty", status: refused, help: "sessions run over Ethernet only"},
}
