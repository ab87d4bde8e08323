package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PoolEvent.CheckoutRefused;
import io.gorgon.message.PoolEvent.CircuitClosed;
import io.gorgon.message.PoolEvent.CircuitOpened;
import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.message.PoolEvent.PoolDraining;
import io.gorgon.message.PoolEvent.PoolResized;
import io.gorgon.message.PoolEvent.PoolStopped;
import io.gorgon.message.PoolEvent.SlotQuarantined;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerNoticed;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.message.PoolEvent.WorkerRetiring;
import io.gorgon.message.PoolEvent.WorkerStarting;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.PythonFailure.SessionLost;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.WorkerId;
import org.apache.pekko.actor.Address;

/**
 * This is the part of a pool that one node runs, under the name that the cluster knows it by: where
 * a worker is {@code default/0.3} at its node, others call it {@code default@host:port/0.3}.
 *
 * @param pool the pool's name
 * @param node the node's address, {@code host:port}
 */
record Site(String pool, String node) {

  /** The part at the node of that address. */
  static Site at(String pool, Address address) {
    return new Site(pool, address.getHost().orElse("") + ":" + address.getPort().orElse(0));
  }

  /** What the cluster calls this part of the pool. */
  String name() {
    return pool + "@" + node;
  }

  /** The worker, as the cluster calls it. */
  WorkerId outside(WorkerId own) {
    return new WorkerId(name(), own.slot(), own.generation());
  }

  /** The worker, as its node calls it. */
  WorkerId inside(WorkerId known) {
    return new WorkerId(pool, known.slot(), known.generation());
  }

  /** The failure, with its worker as the cluster calls it. */
  PythonFailure outside(PythonFailure own) {
    return own instanceof WorkerLost || own instanceof SessionLost || own instanceof NoDump
        ? FailureForm.of(own, this::outside).failure()
        : own;
  }

  /** The event, with its worker or pool as the cluster calls it. */
  PoolEvent outside(PoolEvent own) {
    if (own instanceof WorkerStarting it) {
      return new WorkerStarting(outside(it.worker()));
    } else if (own instanceof WorkerReady it) {
      return new WorkerReady(outside(it.worker()), it.pid());
    } else if (own instanceof WorkerGone it) {
      return new WorkerGone(outside(it.worker()), it.exit(), it.cause(), it.planned());
    } else if (own instanceof WorkerRetiring it) {
      return new WorkerRetiring(outside(it.worker()), it.reason());
    } else if (own instanceof WorkerNoticed it) {
      return new WorkerNoticed(outside(it.worker()), it.what());
    } else if (own instanceof LeaseGranted it) {
      return new LeaseGranted(outside(it.worker()), it.lease(), it.session());
    } else if (own instanceof LeaseEnded it) {
      return new LeaseEnded(outside(it.worker()), it.lease(), it.how());
    }
    return ofPool(own);
  }

  private PoolEvent ofPool(PoolEvent own) {
    if (own instanceof SlotQuarantined it) {
      return new SlotQuarantined(name(), it.slot(), it.millis(), it.why());
    } else if (own instanceof CircuitOpened it) {
      return new CircuitOpened(name(), it.why());
    } else if (own instanceof CircuitClosed) {
      return new CircuitClosed(name());
    } else if (own instanceof CheckoutRefused it) {
      return new CheckoutRefused(name(), it.reason(), it.details());
    } else if (own instanceof PoolResized it) {
      return new PoolResized(name(), it.min(), it.max());
    } else if (own instanceof PoolDraining) {
      return new PoolDraining(name());
    } else if (own instanceof PoolStopped) {
      return new PoolStopped(name());
    }
    throw new IllegalStateException("an event of no known kind: " + own);
  }
}
