// SPDX-License-Identifier: Apache-2.0
//
// ProcessHealth: what a process says to probes about itself.
#ifndef TRIDENT_TRIDENT_RUN_PROCESS_HEALTH_H_
#define TRIDENT_TRIDENT_RUN_PROCESS_HEALTH_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/serve/probe_server.h"

namespace trident {

// Who looks at what runs, looks again within this time, or the process is not live.
inline constexpr Nanos kLookPatience = 30 * kSecond;

// Thread-safe. A process that starts is live and not ready. What is said shows no data and no
// cause: these stand in the log.
class ProcessHealth {
 public:
  explicit ProcessHealth(const Clock& clock) : clock_(clock) {}

  // Answers probes at `address` from now on, and says on stderr where; "": nowhere.
  Status Serve(const std::string& program, const std::string& address);

  // What runs was looked at and goes on; whether it takes part.
  void Looked(Health ready);
  // It ends: not ready; live, unless it has failed.
  void Ends();
  // It failed, or a call of the program's code does not return: neither.
  void Failed();

  Health Live() const;
  Health Ready() const;

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  Health live_ TRIDENT_GUARDED_BY(mutex_) = {};
  Health ready_ TRIDENT_GUARDED_BY(mutex_) = {.ok = false, .why = "starts"};
  Nanos look_again_ TRIDENT_GUARDED_BY(mutex_) = 0;  // 0: nobody looks
  std::unique_ptr<ProbeServer> server_;              // ends first
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PROCESS_HEALTH_H_
