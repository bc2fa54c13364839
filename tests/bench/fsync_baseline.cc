// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fsync_baseline.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace trident::bench {

StatusOr<std::vector<double>> MeasureFsync(const std::string& file, uint64_t times) {
  const int fd = open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Unavailable("fsync: cannot make ", file, ": ", std::strerror(errno));
  const std::string block(4096, 'x');
  std::vector<double> micros;
  Status status;
  for (uint64_t i = 0; i < times && status.ok(); ++i) {
    const Nanos start = RealClock().MonotonicNanos();
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        fdatasync(fd) != 0) {
      status = Unavailable("fsync: ", file, ": ", std::strerror(errno));
    }
    micros.push_back(static_cast<double>(RealClock().MonotonicNanos() - start) / kMicrosecond);
  }
  close(fd);
  TRIDENT_RETURN_IF_ERROR(status);
  return micros;
}

}  // namespace trident::bench
