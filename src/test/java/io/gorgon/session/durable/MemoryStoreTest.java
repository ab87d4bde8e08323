package io.gorgon.session.durable;

import io.gorgon.session.MemoryStore;
import io.gorgon.session.SessionStore;

class MemoryStoreTest implements SessionStoreContract {

  @Override
  public SessionStore store(String pool) {
    return new MemoryStore();
  }
}
