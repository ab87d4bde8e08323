/** Who gets a worker next. Knows: worker and what lies below. */
@NullMarked
package io.gorgon.pool;

import org.jspecify.annotations.NullMarked;
