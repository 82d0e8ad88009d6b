"""Building review on a screen: where cameras come from, the sheet, applications, private cameras."""
