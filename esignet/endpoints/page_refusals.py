"""What people are told of what the pages of the signing service refuse: one table for all pages."""

from collections.abc import Mapping

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.pages.explanations import AWAY, Explanation
from esignet.pdf.pool import PdfBusy
from keystore.door import KeyServiceUnavailable

REFUSALS: Mapping[type[Exception], Explanation] = {
    DatabaseUnavailable: AWAY,
    KeyServiceUnavailable: AWAY,
    PdfBusy: AWAY,
}
"""By the class of an exception, or of one of its ancestors."""
