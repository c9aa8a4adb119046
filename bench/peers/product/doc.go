// Package product has each product that is compared answer the requests of package load, by the client library that its
// users have, with that library's defaults.
//
// A session is the same everywhere: attributes with names. A product whose sessions are single values gets them in the
// plainest encoding that there is, so that what is measured is the product and not an encoder. A change is acknowledged
// when two nodes hold it, by the product's own documented means.
package product
