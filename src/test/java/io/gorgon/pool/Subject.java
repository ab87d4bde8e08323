package io.gorgon.pool;

/** Something that behaves like a pool, one step after the other. */
interface Subject extends AutoCloseable {

  /**
   * Does one step and comes to rest.
   *
   * @param step with {@code who} resolved by {@link Reference#resolved}: the number of a request,
   *     or a slot times 1000 plus a generation
   */
  void apply(Step step);

  /** All that can be seen of it from outside; what ended is told once. */
  String seen();

  @Override
  void close();
}
