// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_TESTS_BENCH_EXCHANGE_H_
#define TRIDENT_TESTS_BENCH_EXCHANGE_H_

namespace trident::bench {

// The process that takes the rows: listens for links and for raw streams, says both ports on
// standard output, opens its own link to worker 0 at this port, and ends when that worker ends.
int RunExchangeChild(int port);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_EXCHANGE_H_
