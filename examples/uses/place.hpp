// What the six uses share: a node that is named on the command line, and a prompt.
#pragma once

#include <brood/brood.hpp>
#include <functional>
#include <string>
#include <vector>

namespace uses {

using Words = std::vector<std::string>;

// names: this node first, then the others, each as name@host:port. All of them are one cluster.
brood::NodeOptions node_options(const Words& names);

// Of each child a second instance, on another node, holds what was answered: it outlives `kill -9` of a node.
brood::Strategies kept_on_two_nodes();

// Waits until the node's supervisors are up, then answers each line of the standard input with what `answer`
// makes of its words, until the input ends. The node then leaves as its objects are destroyed.
void prompt(brood::Node& node, const std::function<std::string(const Words&)>& answer);

// What a call answered, or why it did not, for people.
std::string words_of(const brood::Result<std::string>& reply);
std::string words_of(const brood::Result<void>& reply);
// On which node a child runs.
std::string where(const brood::Supervisor& group, const std::string& id);

void sessions(const Words& names);
void cache(const Words& names);
void jobs(const Words& names);
void devices(const Words& names);
void rooms(const Words& names);
void locks(const Words& names);

}  // namespace uses
