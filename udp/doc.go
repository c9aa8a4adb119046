// Package udp is a UDP socket for a program that sends and receives many small packets and shares its processors with others:
// on Linux it does without two things that net.UDPConn has and QUIC has no use for.
//
// Before a system call net.UDPConn tells the Go scheduler that the thread may be gone for long. When the kernel gives the
// processor to another process in the middle of a call, as it does when a packet wakes that process, the runtime's monitor
// finds the call still there, hands the goroutines to another thread, and from then on looks every 20 microseconds. Each look
// takes the processor from whoever has it. The calls with which this package sends and receives never wait, so that the scheduler
// need not be told; the monitor then looks a hundred times a second.
//
// And net.UDPConn has the runtime's poller told not only of packets that arrive, but whenever one has left. That wakes a thread
// of an idle program, for nothing, after each packet that it sends. Here the poller is told of arrivals alone.
package udp
