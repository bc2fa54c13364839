// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "coordinator/cli/cli.h"

int main(int argc, char** argv) {
  return trident::RunCli(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
}
