// Package lab is the network of the chaos lab: named places that reach each other by UDP until a fault says otherwise.
// Processes run in places, sockets of this process open in them.
//
// There are two networks behind one [Lab]. [NewNamespaced], on Linux as root, gives each place a network namespace of its
// own, with a cord to a bridge that lies in one more. [NewSwitched] needs no privileges: a switch in this process passes
// datagrams on between sockets on loopback, and each place sees the others at addresses of the switch.
//
// What it guarantees: a fault begins and ends for all its links together, and is done when the call returns, but for a packet that
// is being passed on in that moment; what it stops, it stops without an error to the sender; each fault counts the packets it
// has bitten, so that whoever began it can show that it did something. A place reaches itself whatever the faults.
//
// What it owns: the namespaces named sessnode-lab-RUN and sessnode-lab-RUN-PLACE with all that lies in them, the file
// /run/sessnode-lab/RUN.json, and the sockets and goroutines of the switch. Close removes all of it, so defer it: then it
// is also done after a panic of the same goroutine, and after Ctrl-C if the signal ends a context. [Clean] removes what a lab
// left that ended in another way. Nothing else on the machine is touched, but the directory /run/netns, which all tools share,
// may be made; the namespaces have no way out, so that their addresses meet no other. [Lab.Admit] gives them one, to this
// machine alone: a link named sess-RUN, which goes with the lab.
//
// A dead process shows in different ways: the kernel of a namespace refuses packets to its port, as any machine does, and the
// switch is silent, as if the cord were pulled. Nodes find out sooner there than here.
//
// What it does not do: start a cluster, choose faults, judge. A packet that has reached the receiver's socket is delivered.
package lab
