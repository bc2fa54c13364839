// SPDX-License-Identifier: Apache-2.0
//
// The least program that needs both the installed headers and the installed library.
#include <cstdio>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"

int main() {
  const trident::Clock& clock = trident::RealClock();
  const trident::Status status = clock.MonotonicNanos() <= clock.MonotonicNanos()
                                     ? absl::OkStatus()
                                     : trident::Internal("the clock went back");
  std::printf("batch %s: %s\n", trident::ToString(trident::TxId(1)).c_str(),
              status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
