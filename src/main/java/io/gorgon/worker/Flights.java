package io.gorgon.worker;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * These are the requests that one incarnation has and has not answered, in the order in which they
 * were written. Each look takes the {@link Runner}'s lock; steps that belong together are taken
 * under it by the runner.
 */
final class Flights {

  /** Requests with the same lowest bits have the same word of the status page. */
  private static final long WORDS = 255;

  private final ReentrantLock lock;
  private final boolean inOrder;
  private final Map<Long, InFlight> byRequest = new LinkedHashMap<>();

  /** Taken back from the worker, which has not said yet that it did not run them. */
  private final Set<Long> withdrawn = new HashSet<>();

  private long lastRequest;

  /** {@code inOrder}: whether answers must come in the order of the requests. */
  Flights(ReentrantLock lock, boolean inOrder) {
    this.lock = lock;
    this.inOrder = inOrder;
  }

  /**
   * The id for the next request. Where answers may come in any order, one that has been left behind
   * by many keeps its word on the status page: no id that shares it is given out meanwhile.
   */
  long nextRequest() {
    lastRequest++;
    if (!inOrder) {
      while (hasWord(lastRequest)) {
        lastRequest++;
      }
    }
    return lastRequest;
  }

  private boolean hasWord(long request) {
    for (Long other : byRequest.keySet()) {
      if ((other & WORDS) == (request & WORDS)) {
        return true;
      }
    }
    return false;
  }

  void add(InFlight flight) {
    byRequest.put(flight.request(), flight);
  }

  /** Takes out what {@code request} answers; null if nothing may be answered by it now. */
  @Nullable InFlight land(long request) {
    if (inOrder) {
      InFlight first = first();
      return first != null && first.request() == request ? byRequest.remove(request) : null;
    }
    return byRequest.remove(request);
  }

  /**
   * Takes back everything behind the first, as far as the worker was kept from starting it.
   *
   * @param upTo the last request that it was kept from starting
   * @return in the order of the requests
   */
  List<InFlight> withdrawFollowers(long upTo) {
    List<InFlight> followers = new ArrayList<>();
    Iterator<InFlight> each = byRequest.values().iterator();
    each.next();
    while (each.hasNext()) {
      InFlight follower = each.next();
      if (follower.request() <= upTo) {
        each.remove();
        withdrawn.add(follower.request());
        followers.add(follower);
      }
    }
    return followers;
  }

  /** Whether an answer of that id was to be expected from a request that was taken back. */
  boolean landWithdrawn(long request) {
    return withdrawn.remove(request);
  }

  @Nullable InFlight of(long request) {
    lock.lock();
    try {
      return byRequest.get(request);
    } finally {
      lock.unlock();
    }
  }

  @Nullable InFlight of(PendingCall call) {
    lock.lock();
    try {
      for (InFlight flight : byRequest.values()) {
        if (flight.call() == call) {
          return flight;
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  @Nullable InFlight first() {
    lock.lock();
    try {
      Iterator<InFlight> each = byRequest.values().iterator();
      return each.hasNext() ? each.next() : null;
    } finally {
      lock.unlock();
    }
  }

  /** The id of the last one in flight, 0 if there is none. */
  long lastInFlight() {
    long last = 0;
    for (InFlight flight : byRequest.values()) {
      last = flight.request();
    }
    return last;
  }

  List<InFlight> all() {
    lock.lock();
    try {
      return new ArrayList<>(byRequest.values());
    } finally {
      lock.unlock();
    }
  }

  int size() {
    lock.lock();
    try {
      return byRequest.size();
    } finally {
      lock.unlock();
    }
  }

  boolean isEmpty() {
    return size() == 0;
  }

  /** Takes out all of them. */
  List<InFlight> clear() {
    List<InFlight> all = all();
    byRequest.clear();
    return all;
  }
}
