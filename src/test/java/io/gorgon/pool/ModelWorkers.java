package io.gorgon.pool;

import java.util.Collection;
import java.util.TreeMap;

/** The actors that the modelled pool has hired, by their lineage. */
final class ModelWorkers {

  private final TreeMap<Long, ModelWorker> byLineage = new TreeMap<>();

  Collection<ModelWorker> all() {
    return byLineage.values();
  }

  /** The worker of that lineage, or null. */
  ModelWorker get(long lineage) {
    return byLineage.get(lineage);
  }

  /** The one that the pool knows by that incarnation, or null. */
  ModelWorker known(int slot, long generation) {
    for (ModelWorker worker : byLineage.values()) {
      if (worker.known && worker.slot == slot && worker.generation == generation) {
        return worker;
      }
    }
    return null;
  }

  ModelWorker of(Lease lease) {
    return known(lease.slot(), lease.generation());
  }

  void hire(int slot, long lineage) {
    var worker = new ModelWorker(lineage, slot);
    worker.tells(new PoolInput.Wanted(slot, lineage));
    if (byLineage.put(lineage, worker) != null) {
      throw new AssertionError("hired twice: " + lineage);
    }
  }

  void remove(ModelWorker worker) {
    byLineage.remove(worker.lineage);
  }

  ModelWorkers copy() {
    var copy = new ModelWorkers();
    byLineage.forEach((lineage, worker) -> copy.byLineage.put(lineage, worker.copy()));
    return copy;
  }

  void describe(StringBuilder text) {
    byLineage.values().forEach(worker -> worker.describe(text));
  }
}
