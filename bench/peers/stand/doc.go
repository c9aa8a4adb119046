// Package stand starts the servers of each product that is compared, as processes on loopback with the product's documented
// defaults and sessions on two nodes, and ends them.
//
// It owns the processes that it starts, by their ids; none outlives [Stand.End], or this process. What a product needs
// beyond its defaults to keep sessions on two nodes at all stands in [Product.Settings], for everybody to read. A product
// that is not installed is named with the command that installs it, see [Product.Lacks].
package stand
