//! HTTP/3 of the real binary, asked by a client that has quinn and h3 but nothing of the gateway's
//! own side of it (R-H3).

mod bounds;
mod client;
mod drain;
mod garbage;
mod gateway;
mod paths;
mod routes;
mod streams;
mod tls;
